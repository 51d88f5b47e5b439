"""The API process: what people, programs and agents say to the controller."""
