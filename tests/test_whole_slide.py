"""Whole slides: a level of tiles as dicomweb-client and a viewer of slides read it, tile after tile."""

import io

import numpy
import pytest
import requests
from dicomweb_client import DICOMwebClient
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless

from yingdun_testkit import part10
from yingdun_testkit.web import instance_path

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
TILE = 32
#: Rows and columns of the level; the last tiles are cut.
LEVEL = (80, 112)


@pytest.fixture(scope="module")
def client(archive, gateway) -> DICOMwebClient:
    session = requests.Session()
    session.verify, session.trust_env = str(archive.ca_file), False
    session.headers["Authorization"] = f"Bearer {gateway.token}"
    return DICOMwebClient(f"{archive.addresses.web}/dicom-web", session=session)


def slide(organization: str):
    """A level in colours and the object of its tiles; a sparse one has those on its diagonal only, the last first."""
    rows, columns = LEVEL
    down, across = -(-rows // TILE), -(-columns // TILE)
    padded = numpy.zeros((down * TILE, across * TILE, 3), numpy.uint8)
    padded[:rows, :columns] = numpy.random.default_rng(4).integers(0, 256, (rows, columns, 3), numpy.uint8)
    places = [(row, column) for row in range(down) for column in range(across)]
    if organization == "TILED_SPARSE":
        places = [place for place in reversed(places) if place[0] == place[1]]
    tiles = [padded[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] for row, column in places]
    image = part10.image(patient_id=f"slide-{organization}", rows=TILE, columns=TILE)
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = WHOLE_SLIDE
    image.Modality, image.ImageType = "SM", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PlanarConfiguration = 3, "RGB", 0
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit = 7
    image.NumberOfFrames = len(tiles)
    image.TotalPixelMatrixRows, image.TotalPixelMatrixColumns = rows, columns
    image.DimensionOrganizationType = organization
    image.PixelData = b"".join(tile.tobytes() for tile in tiles)
    if organization == "TILED_SPARSE":
        image.PerFrameFunctionalGroupsSequence = [positioned(*place) for place in places]
    return padded[:rows, :columns], image


def positioned(row: int, column: int) -> Dataset:
    position, group = Dataset(), Dataset()
    position.RowPositionInTotalImagePixelMatrix = row * TILE + 1
    position.ColumnPositionInTotalImagePixelMatrix = column * TILE + 1
    group.PlanePositionSlideSequence = [position]
    return group


def corner(metadata: Dataset, number: int) -> tuple:
    """Where a frame begins in the level, by what the metadata say (PS3.3 C.7.6.17.3)."""
    if metadata.DimensionOrganizationType == "TILED_FULL":
        across = -(-metadata.TotalPixelMatrixColumns // metadata.Columns)
        return (number - 1) // across * metadata.Rows, (number - 1) % across * metadata.Columns
    group = metadata.PerFrameFunctionalGroupsSequence[number - 1].PlanePositionSlideSequence[0]
    return group.RowPositionInTotalImagePixelMatrix - 1, group.ColumnPositionInTotalImagePixelMatrix - 1


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("organization", ["TILED_FULL", "TILED_SPARSE"])
def test_a_level_is_put_together_from_its_tiles(client, gateway, organization, compressed):
    level, image = slide(organization)
    if compressed:
        image.compress(JPEGLSLossless)
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID
    client.store_instances([image])
    names = (image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    metadata = Dataset.from_json(client.retrieve_instance_metadata(*names))
    octets = (("application/octet-stream", "1.2.840.10008.1.2.1"),)
    seen = numpy.zeros((*LEVEL, 3), numpy.uint8)
    covered = numpy.zeros(LEVEL, bool)
    for number in range(1, metadata.NumberOfFrames + 1):
        (frame,) = client.retrieve_instance_frames(*names, frame_numbers=[number], media_types=octets)
        top, left = corner(metadata, number)
        tile = numpy.frombuffer(frame, numpy.uint8).reshape(TILE, TILE, 3)
        part = seen[top : top + TILE, left : left + TILE]
        part[...] = tile[: part.shape[0], : part.shape[1]]
        covered[top : top + TILE, left : left + TILE] = True
    assert (seen == numpy.where(covered[..., None], level, 0)).all()
    assert covered.all() == (organization == "TILED_FULL") and covered.any()
    answer = gateway.get(f"{instance_path(*names)}/frames/2/rendered", "image/png")
    assert answer.status_code == 200


def one_colour(series: Dataset, kind: str, colour: tuple, *, tiles: int, side: int):
    """An image of the same slide, of tiles in one colour."""
    image = part10.image(
        patient_id=series.PatientID, study=series.StudyInstanceUID, series=series.SeriesInstanceUID, rows=side, columns=side
    )
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = WHOLE_SLIDE
    image.Modality, image.ImageType = "SM", ["ORIGINAL", "PRIMARY", kind, "NONE"]
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PlanarConfiguration = 3, "RGB", 0
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.NumberOfFrames = 7, tiles
    image.PixelData = bytes(colour) * (tiles * side * side)
    return image


@pytest.mark.parametrize("smallest", ["VOLUME", "THUMBNAIL"])
def test_the_thumbnail_of_a_slide_is_its_smallest_level_and_not_its_label(client, gateway, smallest):
    _, level = slide("TILED_FULL")
    level.PatientID = f"slide-thumbnail-{smallest}"
    small = one_colour(level, smallest, (10, 200, 30), tiles=1, side=TILE)
    others = [
        one_colour(level, "VOLUME", (200, 10, 30), tiles=4, side=TILE),
        one_colour(level, "LABEL", (0, 0, 250), tiles=1, side=8),
        one_colour(level, "OVERVIEW", (250, 250, 0), tiles=1, side=16),
    ]
    client.store_instances([level, others[0], small, *others[1:]])
    study = f"/studies/{level.StudyInstanceUID}"
    for address in (study, f"{study}/series/{level.SeriesInstanceUID}"):
        answer = gateway.get(f"{address}/thumbnail", "image/png")
        assert answer.status_code == 200, answer.text
        picture = numpy.asarray(Image.open(io.BytesIO(answer.content)))
        assert (picture.reshape(-1, 3) == (10, 200, 30)).all(), address
    label = instance_path(level.StudyInstanceUID, level.SeriesInstanceUID, others[1].SOPInstanceUID)
    assert gateway.get(f"{label}/thumbnail", "image/png").status_code == 200
