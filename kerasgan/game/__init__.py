"""How a step is played: the base model, phases, recipes, schedules, optimizers, signals, checks, engines."""
