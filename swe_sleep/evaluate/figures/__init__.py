"""From the results of runs to figures that a sceptic can check. Nothing here prints or draws."""
