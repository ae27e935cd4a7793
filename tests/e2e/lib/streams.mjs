// What an ICE restart must leave as it was.

import assert from 'node:assert/strict';

/** The streams that somebody receives, and the DTLS association that they come over. */
export async function streamFacts({ pc }) {
    const report = [...(await pc.getStats()).values()];
    const inbound = (kind) => report.find((entry) => entry.type === 'inbound-rtp' && entry.kind === kind);
    const { id, dtlsState, dtlsRole, localCertificateId, remoteCertificateId } = report.find(({ type }) => type === 'transport');
    return { video: inbound('video'), audio: inbound('audio'), dtls: { id, dtlsState, dtlsRole, localCertificateId, remoteCertificateId } };
}

/** It is the same association, and the same streams went on in it. lossless: no sequence number is missing and no
 *  key frame came; otherwise one at most. */
export function assertWentOn(before, after, { lossless = true } = {}) {
    assert.equal(after.dtls.dtlsState, 'connected');
    assert.deepEqual(after.dtls, before.dtls);
    for (const kind of ['audio', 'video']) {
        assert.equal(after[kind].ssrc, before[kind].ssrc);
        assert.ok(after[kind].packetsReceived > before[kind].packetsReceived + 20, `${kind} goes on`);
        if (lossless) assert.equal(after[kind].packetsLost, before[kind].packetsLost, `${kind}: no number is missing`);
    }
    const keyframes = after.video.keyFramesDecoded - before.video.keyFramesDecoded;
    assert.ok(keyframes <= (lossless ? 0 : 1), `${keyframes} key frames`);
}
