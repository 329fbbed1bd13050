"""Base classes of the model families: latent models, models with an encoder, auxiliary heads, translation."""
