"""The course: assignments as solved notebooks, what students get of them, and grading in isolation."""
