"""A simulated fleet with a past, written into a controller: `sentinel dev seed`."""
