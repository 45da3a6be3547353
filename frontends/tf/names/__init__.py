"""Which names there are: aliases, older spellings, plain forwards, and what is missing."""
