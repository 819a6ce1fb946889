"""XML from strangers."""

from __future__ import annotations

import pytest

from retrieval.errors import MediaError
from retrieval.media.xml_tree import local_name, xml_tree


def test_a_document() -> None:
    root = xml_tree(b'<a xmlns="n"><b c="1">text</b></a>', "the file")
    assert [local_name(e) for e in root.iter()] == ["a", "b"]
    assert local_name("{n}href") == local_name("href") == "href"


@pytest.mark.parametrize("entities", [False, True])
def test_external_entities_are_never_allowed(entities: bool) -> None:
    data = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'
    with pytest.raises(MediaError, match=r"^the file defines entities, which is not allowed$"):
        xml_tree(data, "the file", entities=entities)


def test_entities_only_where_they_are_expected() -> None:
    data = b'<!DOCTYPE a [<!ENTITY e "word">]><a>&e;</a>'
    assert xml_tree(data, "the file", entities=True).text == "word"
    with pytest.raises(MediaError, match="the file defines entities"):
        xml_tree(data, "the file")


@pytest.mark.parametrize("data", [b"", b"<a>", b"words", b"<a></b>", b"\xff\xfe", b"<a>&x;</a>"])
def test_what_is_not_well_formed(data: bytes) -> None:
    with pytest.raises(MediaError, match="the file cannot be decoded"):
        xml_tree(data, "the file")
