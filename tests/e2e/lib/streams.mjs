// What an ICE restart must leave as it was.

import assert from 'node:assert/strict';

/** The streams that somebody receives, and the DTLS association that they come over. */
export async function streamFacts({ pc }) {
    const report = [...(await pc.getStats()).values()];
    const inbound = (kind) => report.find((entry) => entry.type === 'inbound-rtp' && entry.kind === kind);
    const { id, dtlsState, dtlsRole, localCertificateId, remoteCertificateId } = report.find(({ type }) => type === 'transport');
    return { video: inbound('video'), audio: inbound('audio'), dtls: { id, dtlsState, dtlsRole, localCertificateId, remoteCertificateId } };
}

/** It is the same association, and the same streams went on in it. Without brokenMs no sequence number is
 *  missing and no key frame came. Otherwise so much time has passed since media could come back: there was one key
 *  frame, and one more for each second at most, where it was asked for again. */
export function assertWentOn(before, after, { brokenMs } = {}) {
    const lossless = brokenMs === undefined;
    assert.equal(after.dtls.dtlsState, 'connected');
    assert.deepEqual(after.dtls, before.dtls);
    for (const kind of ['audio', 'video']) {
        assert.equal(after[kind].ssrc, before[kind].ssrc);
        assert.ok(after[kind].packetsReceived > before[kind].packetsReceived + 20, `${kind} goes on`);
        if (lossless) assert.equal(after[kind].packetsLost, before[kind].packetsLost, `${kind}: no number is missing`);
    }
    const keyframes = after.video.keyFramesDecoded - before.video.keyFramesDecoded;
    assert.ok(keyframes <= (lossless ? 0 : 1 + Math.floor(brokenMs / 1000)), `${keyframes} key frames`);
}
