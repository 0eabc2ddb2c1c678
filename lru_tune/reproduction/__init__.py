"""Running a paper's tables again and judging what came out."""
