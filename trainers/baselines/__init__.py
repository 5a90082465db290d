"""Methods of others, as RetriBooru compares with them: each is fed a reference of the target's identity."""
