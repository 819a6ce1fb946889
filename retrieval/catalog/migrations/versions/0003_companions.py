"""What stands beside a file: facts from its sidecars, and a picture that it is the RAW of.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns, empty: the next run over the folders fills them without opening media."""
    op.add_column("files", sa.Column("not_media", sa.Boolean(), server_default="0", nullable=False))
    op.add_column("files", sa.Column("facts", sa.JSON(), nullable=True))
    op.add_column("files", sa.Column("sidecars", sa.JSON(), nullable=True))
    # As SQL, since Alembic would copy the whole table to add a column that refers to another.
    op.execute("ALTER TABLE files ADD COLUMN twin_id INTEGER REFERENCES files (id)")
    op.create_index(
        "files_by_twin", "files", ["twin_id"], sqlite_where=sa.text("twin_id IS NOT NULL")
    )
    op.execute(
        "UPDATE files SET not_media = 1 WHERE failure IN "
        "('nothing in the file says text, picture, sound or video', "
        "'source code and settings are left out')"
    )
