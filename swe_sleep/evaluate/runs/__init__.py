"""An evaluation on tasks: its trials, who carries them out, and the folder that keeps them."""
