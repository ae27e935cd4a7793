// Cameras, microphones and the screen. Everything here copes with a browser that has none, or
// that may not use them: the person is a listener then.

// The mix shows most people in a tile of this size; a larger tile asks for more (see fitCamera).
const TILE_WIDTH = 640;
const TILE_HEIGHT = 360;
const LARGE_TILE_PX = 900;

/** FALSE on http:// from another machine: browsers hide devices from such pages. */
export function devicesUsable() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
}

function cameraConstraints(deviceId) {
    return {
        width: { ideal: TILE_WIDTH },
        height: { ideal: TILE_HEIGHT },
        frameRate: { ideal: 30, max: 30 },
        ...(deviceId ? { deviceId: { ideal: deviceId } } : { facingMode: 'user' }),
    };
}

function microphoneConstraints(deviceId) {
    return {
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        ...(deviceId ? { deviceId: { ideal: deviceId } } : {}),
    };
}

async function openTrack(constraints, getter) {
    if (!devicesUsable()) throw new DOMException('No devices on this page.', 'NotFoundError');
    return getter(await navigator.mediaDevices.getUserMedia(constraints));
}

export async function openMicrophone(deviceId = '') {
    return openTrack({ audio: microphoneConstraints(deviceId) }, (stream) => stream.getAudioTracks()[0]);
}

export async function openCamera(deviceId = '') {
    const track = await openTrack({ video: cameraConstraints(deviceId) }, (stream) => stream.getVideoTracks()[0]);
    track.contentHint = 'motion';
    return track;
}

/** Both with one question to the person where possible. A missing one is null, with its error. */
export async function openBoth({ audio, video, audioDevice, videoDevice }) {
    const result = { audio: null, video: null, error: null };
    if (!devicesUsable() || (!audio && !video)) return result;
    if (audio && video) {
        try {
            const stream = await navigator.mediaDevices.getUserMedia({
                audio: microphoneConstraints(audioDevice),
                video: cameraConstraints(videoDevice),
            });
            [result.audio] = stream.getAudioTracks();
            [result.video] = stream.getVideoTracks();
            result.video.contentHint = 'motion';
            return result;
        } catch (error) {
            result.error = error;
            if (error.name === 'NotAllowedError') return result;
        }
    }
    // One of them is missing or busy: take the other.
    try {
        if (audio) result.audio = await openMicrophone(audioDevice);
    } catch (error) {
        result.error = error;
    }
    try {
        if (video) result.video = await openCamera(videoDevice);
    } catch (error) {
        result.error = error;
    }
    return result;
}

/** { audio: [{id, label}], video: [...] }; labels are empty before the person allowed devices. */
export async function listDevices() {
    const lists = { audio: [], video: [] };
    if (!devicesUsable()) return lists;
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    for (const { kind, deviceId, label } of devices) {
        const list = kind === 'audioinput' ? lists.audio : kind === 'videoinput' ? lists.video : null;
        if (list && deviceId) list.push({ id: deviceId, label: label || `Device ${list.length + 1}` });
    }
    return lists;
}

/** The person allowed devices before, so that opening them asks nothing. */
export async function devicesAllowed() {
    if (!devicesUsable()) return false;
    try {
        const states = await Promise.all(
            ['camera', 'microphone'].map((name) => navigator.permissions.query({ name })),
        );
        if (states.some((status) => status.state === 'granted')) return true;
    } catch {
        // This browser does not tell; a label does.
    }
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    return devices.some((device) => device.label);
}

/** A large tile gets a larger picture from the camera, a small one the usual size. Resolves to whether the
 *  size changed. */
export async function fitCamera(track, tileWidth) {
    const large = tileWidth >= LARGE_TILE_PX;
    const width = large ? TILE_WIDTH * 2 : TILE_WIDTH;
    if (!track || track.readyState !== 'live' || track.getSettings().width === width) return false;
    try {
        await track.applyConstraints({
            ...cameraConstraints(track.getSettings().deviceId),
            width: { ideal: width },
            height: { ideal: large ? TILE_HEIGHT * 2 : TILE_HEIGHT },
        });
        return true;
    } catch {
        return false; // the camera keeps its size
    }
}

export function canShareScreen() {
    return Boolean(navigator.mediaDevices?.getDisplayMedia);
}

/** Asks the person for a screen or window; rejects with NotAllowedError where they decline. */
export async function openScreen() {
    const stream = await navigator.mediaDevices.getDisplayMedia({
        video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 15, max: 30 } },
        audio: false,
    });
    const [track] = stream.getVideoTracks();
    track.contentHint = 'detail';
    return track;
}

/** A sentence for the person. what: "camera", "microphone", "camera or microphone". */
export function deviceErrorText(error, what) {
    switch (error?.name) {
        case 'NotAllowedError':
            return `This browser does not let the page use your ${what}. You can allow it beside the page's address.`;
        case 'NotFoundError':
        case 'OverconstrainedError':
            return `No ${what} was found.`;
        case 'NotReadableError':
        case 'AbortError':
            return `The ${what} is in use by another program.`;
        default:
            return `The ${what} could not be opened.`;
    }
}
