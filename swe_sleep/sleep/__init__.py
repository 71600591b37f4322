"""Sleep time: passes that turn content into notes while nobody waits."""
