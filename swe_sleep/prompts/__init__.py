"""Every prompt, as a template file beside this one, and how they are rendered and fenced."""
