"""What a model says of an image. The only code that runs perception models."""
