"""Shell completion: the words to offer, and one script a shell."""
