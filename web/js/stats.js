// Numbers of the connection, from getStats(): what arrives, what goes out, and the line between.

/** Turns two reports into rates. collect() returns the numbers; null before the first one. */
export class StatsReader {
    #last = new Map(); // id -> {timestamp, ...counters}

    async collect(pc) {
        const report = await pc.getStats();
        const numbers = { video: null, audio: null, sentVideo: null, sentScreen: null, sentAudio: null, line: null };
        const sent = [];
        for (const entry of report.values()) {
            if (entry.type === 'inbound-rtp') numbers[entry.kind] = this.#inbound(report, entry);
            else if (entry.type === 'outbound-rtp') sent.push(this.#outbound(report, entry));
        }
        [numbers.sentVideo = null, numbers.sentScreen = null] = this.#byLine(sent.filter(({ kind }) => kind === 'video'));
        numbers.sentAudio = sent.find(({ kind }) => kind === 'audio') ?? null;
        numbers.line = this.#line(report);
        this.#last = new Map([...report.values()].map((entry) => [entry.id, entry]));
        return numbers;
    }

    /** Growth of a counter per second since the last report. */
    #rate(entry, counter) {
        const last = this.#last.get(entry.id);
        const seconds = last ? (entry.timestamp - last.timestamp) / 1000 : 0;
        return seconds > 0 ? Math.max(0, ((entry[counter] ?? 0) - (last[counter] ?? 0)) / seconds) : 0;
    }

    #codec(report, entry) {
        return report.get(entry.codecId)?.mimeType?.split('/')[1] ?? '';
    }

    #inbound(report, entry) {
        const received = this.#rate(entry, 'packetsReceived');
        const lost = this.#rate(entry, 'packetsLost');
        const emitted = this.#rate(entry, 'jitterBufferEmittedCount');
        return {
            codec: this.#codec(report, entry),
            bps: this.#rate(entry, 'bytesReceived') * 8,
            fps: entry.framesPerSecond ?? this.#rate(entry, 'framesDecoded'),
            width: entry.frameWidth ?? 0,
            height: entry.frameHeight ?? 0,
            lossPercent: received + lost > 0 ? (100 * lost) / (received + lost) : 0,
            jitterMs: (entry.jitter ?? 0) * 1000,
            bufferMs: emitted > 0 ? (1000 * this.#rate(entry, 'jitterBufferDelay')) / emitted : 0,
            framesDecoded: entry.framesDecoded ?? 0,
            framesDropped: entry.framesDropped ?? 0,
            freezes: entry.freezeCount ?? 0,
            concealed: entry.concealedSamples ?? 0,
            packetsReceived: entry.packetsReceived ?? 0,
            packetsLost: entry.packetsLost ?? 0,
        };
    }

    #outbound(report, entry) {
        const remote = [...report.values()].find(
            (other) => other.type === 'remote-inbound-rtp' && (other.localId === entry.id || other.ssrc === entry.ssrc),
        );
        return {
            kind: entry.kind,
            mid: entry.mid ?? '',
            codec: this.#codec(report, entry),
            bps: this.#rate(entry, 'bytesSent') * 8,
            fps: entry.framesPerSecond ?? 0,
            width: entry.frameWidth ?? 0,
            height: entry.frameHeight ?? 0,
            lossPercent: (remote?.fractionLost ?? 0) * 100,
            jitterMs: (remote?.jitter ?? 0) * 1000,
            rttMs: remote?.roundTripTime === undefined ? null : remote.roundTripTime * 1000,
        };
    }

    /** One of each line (mid), in order: the layers of a camera are one, as large as the largest that is sent. */
    #byLine(layers) {
        const lines = new Map();
        for (const layer of layers) {
            const line = lines.get(layer.mid);
            if (!line) lines.set(layer.mid, layer);
            else lines.set(layer.mid, { ...(layer.bps > 0 && layer.width > line.width ? layer : line), bps: line.bps + layer.bps });
        }
        return [...lines.values()].sort((a, b) => a.mid.localeCompare(b.mid));
    }

    #line(report) {
        const transport = [...report.values()].find(({ type }) => type === 'transport');
        const pair =
            report.get(transport?.selectedCandidatePairId) ??
            [...report.values()].find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
        if (!pair) return null;
        const local = report.get(pair.localCandidateId);
        return {
            rttMs: pair.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
            inBps: this.#rate(pair, 'bytesReceived') * 8,
            outBps: this.#rate(pair, 'bytesSent') * 8,
            route: local ? `${local.candidateType} ${local.protocol}` : '',
        };
    }
}

function bits(bps) {
    return bps >= 1e6 ? `${(bps / 1e6).toFixed(2)} Mbit/s` : `${Math.round(bps / 1000)} kbit/s`;
}

function milliseconds(ms) {
    return ms === null ? '–' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function picture({ width, height, fps }) {
    return width ? `${width} × ${height}, ${Math.round(fps)} fps` : '–';
}

/** Tables of [caption, [[label, text], ...]] for the overlay. */
export function describeStats({ video, audio, sentVideo, sentScreen, sentAudio, line }) {
    const tables = [];
    const received = [];
    if (video) {
        received.push(['Picture', picture(video)]);
        received.push(['Video', `${video.codec} ${bits(video.bps)}`]);
    }
    if (audio) received.push(['Sound', `${audio.codec} ${bits(audio.bps)}`]);
    if (video || audio) {
        const worst = (key) => Math.max(video?.[key] ?? 0, audio?.[key] ?? 0);
        received.push(['Loss', `${worst('lossPercent').toFixed(1)} %`]);
        received.push(['Jitter', milliseconds(worst('jitterMs'))]);
        received.push(['Buffer', milliseconds(worst('bufferMs'))]);
    }
    if (video) received.push(['Dropped / freezes', `${video.framesDropped} / ${video.freezes}`]);
    if (received.length) tables.push(['Received', received]);

    const sent = [];
    if (sentVideo?.bps) {
        sent.push(['Camera', picture(sentVideo)]);
        sent.push(['Video', `${sentVideo.codec} ${bits(sentVideo.bps)}`]);
    }
    if (sentScreen?.bps) sent.push(['Screen', `${picture(sentScreen)}, ${bits(sentScreen.bps)}`]);
    if (sentAudio?.bps) sent.push(['Sound', `${sentAudio.codec} ${bits(sentAudio.bps)}`]);
    if (sent.length) {
        const all = [sentVideo, sentScreen, sentAudio].filter(Boolean);
        sent.push(['Loss', `${Math.max(...all.map((entry) => entry.lossPercent)).toFixed(1)} %`]);
        sent.push(['Jitter', milliseconds(Math.max(...all.map((entry) => entry.jitterMs)))]);
        tables.push(['Sent', sent]);
    }
    if (line) {
        tables.push([
            'Line',
            [
                ['Round trip', milliseconds(line.rttMs)],
                ['In', bits(line.inBps)],
                ['Out', bits(line.outBps)],
                ['Route', line.route],
            ],
        ]);
    }
    return tables;
}
