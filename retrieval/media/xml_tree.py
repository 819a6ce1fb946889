"""XML from strangers: no external entities, no bombs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as DefusedElementTree

from retrieval.errors import MediaError
from retrieval.media.reasons import reasons

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def xml_tree(data: bytes, subject: str, *, entities: bool = False) -> Element:
    """Parse XML.

    Args:
        data: The document.
        subject: What it is, as the start of a sentence.
        entities: Whether it may define entities, as drawing programs do; expat itself stops those
            that multiply. External ones are always refused.

    Raises:
        MediaError: it is no well-formed XML, or tries one of these.
    """
    try:
        with reasons(subject):
            root = DefusedElementTree.fromstring(
                data, forbid_dtd=False, forbid_entities=not entities, forbid_external=True
            )
    except MediaError as error:
        if isinstance(error.__cause__, DefusedXmlException):
            raise MediaError(f"{subject} defines entities, which is not allowed") from error
        raise
    return root


def local_name(element: Element | str) -> str:
    """Name of an element or attribute without its namespace."""
    name = element if isinstance(element, str) else element.tag
    return name.rpartition("}")[2] if isinstance(name, str) else ""
