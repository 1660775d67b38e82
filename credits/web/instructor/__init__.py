"""Pages for reviewers: instructors and credit committees."""
