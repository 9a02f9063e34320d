"""From a tape to code that runs: numbers and arrays, each in a way of their own."""
