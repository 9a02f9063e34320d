"""Plain data as shapes and arrows, and these as DOT text, or placed here, as SVG."""
