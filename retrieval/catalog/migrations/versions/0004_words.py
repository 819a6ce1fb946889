"""The index of words.

Revision ID: 0004
"""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nothing by itself: every migration ends with making the index of words anew."""
