"""The training game: base model, phases, recipes, schedules, optimizers, signals, checks, engines."""
