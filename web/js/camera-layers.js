// The camera's picture in several sizes (simulcast). The server takes the one that fits our tile, and
// tells the browser how much it may send (REMB), so that the larger ones rest while the tile is small.

const CAMERA_MAX_BPS = 1_500_000;

const LAYERS = [
    { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
    { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
    { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: CAMERA_MAX_BPS },
];

// libwebrtc leaves out the last layers of a small picture, and with them its full size: whose longer
// side is below this is sent in fewer sizes.
const LONGER_SIDE_PX = [0, 480, 960];

/** Adds the camera's line, with layers where this browser has them. */
export function addCamera(pc, what, options) {
    try {
        return pc.addTransceiver(what, { ...options, sendEncodings: LAYERS });
    } catch {
        return pc.addTransceiver(what, options);
    }
}

/** How many sizes a camera's picture is sent in. */
function layerCount({ width = 0, height = 0 } = {}) {
    const longer = Math.max(width, height);
    return longer ? LONGER_SIDE_PX.filter((px) => longer >= px).length : LAYERS.length;
}

/** Sizes and limits for the camera that is sent now. */
export async function fitEncodings(sender, track) {
    const parameters = sender.getParameters();
    const encodings = parameters.encodings ?? [];
    if (!encodings.length) return;
    const count = layerCount(track.getSettings());
    encodings.forEach((encoding, i) => {
        const layer = LAYERS[i];
        if (encodings.length === 1) encoding.maxBitrate = CAMERA_MAX_BPS;
        else Object.assign(encoding, { active: i < count, scaleResolutionDownBy: 2 ** Math.max(0, count - 1 - i), maxBitrate: layer.maxBitrate });
    });
    await sender.setParameters(parameters).catch(() => {});
}
