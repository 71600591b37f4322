"""Looking for faults where no test looks: functions are called with values that fit them."""
