"""What a model costs and what pruning did to it: measured, counted, or modelled, and said which."""
