"""What a change puts at risk that no test covers: leads, each of which only a run can prove."""
