"""What is done with trained models: measuring, verifying, publishing, sensitivity studies and tuning."""
