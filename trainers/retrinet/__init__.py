"""RetriNet: a retrieval encoder beside a frozen one, its pipeline, and where its words look."""
