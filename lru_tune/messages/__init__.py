"""The sentences of every error, and what to do about each: `code: [sentence, remedy]`."""
