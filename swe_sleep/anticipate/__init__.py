"""What is likely to be reported next: risk, leads, and tests that prove or refute them."""
