"""What families inherit: latent models, models with an encoder, auxiliary heads, translation."""
