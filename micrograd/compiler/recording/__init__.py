"""What a call does, told by symbols: numbers and arrays that note each call that is made."""
