"""Pictures and surfaces of solids: voxel grids with the axes right, up and back."""

import numpy as np

SPOTS = 4  # number of points along each side of a visible face


def isometric(voxels, size=96):
    """Draws an isometric view of a voxel grid, lit from above.

    Args:
        voxels: Array of shape `(width, height, depth)`, non-zero where occupied, axes right, up and back.
        size: Side of the image in pixels.

    Returns:
        A uint8 array of shape `(size, size)`: 0 for the background, otherwise the brightness of the visible face.
    """
    # The camera looks along (-1, -1, 1): from the right, from above, towards the back.
    right = np.array([1, 0, 1]) / np.sqrt(2)
    up = np.array([-1, 2, 1]) / np.sqrt(6)
    forward = np.array([-1, -1, 1]) / np.sqrt(3)
    padded = np.pad(np.asarray(voxels) > 0, 1)
    spots = (np.arange(SPOTS) + 0.5) / SPOTS
    places, lights = [], []
    for normal, light in (((1, 0, 0), 165), ((0, 1, 0), 245), ((0, 0, -1), 105)):
        bare = padded & ~np.roll(padded, np.negative(normal), axis=(0, 1, 2))
        face = np.stack(np.meshgrid(*[[max(n, 0)] if n else spots for n in normal]), axis=-1).reshape(-1, 3)
        places.append((np.argwhere(bare)[:, None] + face).reshape(-1, 3) - 1 - np.array(voxels.shape) / 2)
        lights.append(np.full(len(places[-1]), light, "uint8"))
    points = np.concatenate(places)
    nearest_last = np.argsort(-points @ forward)
    points, brightness = points[nearest_last], np.concatenate(lights)[nearest_last]
    scale = size / (1.7 * max(voxels.shape))
    rows, columns = (np.stack([-points @ up, points @ right]) * scale + size / 2).astype(int).clip(0, size - 1)
    picture = np.zeros((size, size), "uint8")
    picture[rows, columns] = brightness
    return picture


def surface(voxels):
    """Computes the surface of a solid as triangles: two for each voxel face without a neighbour.

    Args:
        voxels: Array of shape `(width, height, depth)`, non-zero where occupied, axes right, up and back.

    Returns:
        `(vertices, triangles)`: an int array of shape (vertices, 3), in voxels, with the axes right, up and front; and
        an int array of shape (triangles, 3) of indices of vertices, counterclockwise as seen from outside.
    """
    solid = np.asarray(voxels)[:, :, ::-1] > 0  # right, up and front are the axes of a right-handed system
    padded = np.pad(solid, 1)
    corners = []
    for axis in range(3):
        first, second = np.eye(3, dtype=int)[[(axis + 1) % 3, (axis + 2) % 3]]
        square = np.stack([0 * first, first, first + second, second])  # counterclockwise, seen from the axis' end
        for step in (-1, 1):
            bare = (padded & ~np.roll(padded, -step, axis=axis))[1:-1, 1:-1, 1:-1]
            face = square + np.eye(3, dtype=int)[axis] if step > 0 else square[::-1]
            corners.append(np.argwhere(bare)[:, None] + face)
    quads = np.concatenate(corners)
    vertices, places = np.unique(quads.reshape(-1, 3), axis=0, return_inverse=True)
    return vertices, places.reshape(-1, 4)[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)
