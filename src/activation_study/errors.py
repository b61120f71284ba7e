"""The one exception that a user's mistake raises."""


class StudyError(Exception):
    """A mistake the user can mend; its text is one sentence that names key, value and choices."""
