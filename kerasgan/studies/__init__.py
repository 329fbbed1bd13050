"""Studies of trained models: measuring, verifying, publishing, sensitivity studies and tuning."""
