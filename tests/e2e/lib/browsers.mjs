// Real browsers without a screen: Debian's Chromium through playwright-core, Debian's Firefox through
// puppeteer-core (WebDriver BiDi). Both have fake cameras and microphones. A Tab hides which is which.

import './priority.mjs';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

const CHROMIUM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX_BIN ?? '/usr/bin/firefox-esr';

const CHROMIUM_ARGS = [
    '--no-sandbox',
    '--use-fake-device-for-media-stream=fps=30',
    '--use-fake-ui-for-media-stream',
    '--allow-loopback-in-peer-connection',
    '--auto-select-desktop-capture-source=Entire screen',
    '--disable-gpu',
];

const FIREFOX_PREFS = {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'media.autoplay.default': 0,
    'media.peerconnection.ice.loopback': true,
    'media.peerconnection.ice.obfuscate_host_addresses': false,
    'media.gmp-manager.updateEnabled': false,
    'app.normandy.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
};

/** One page, and everything that it said on its console as a warning or an error. */
export class Tab {
    complaints = [];

    constructor(name, page, closePage) {
        this.name = name;
        this.page = page;
        this.close = closePage;
        page.on('console', (message) => {
            const type = message.type();
            if (['error', 'warning', 'warn'].includes(type)) this.complaints.push(`${type}: ${message.text()}`);
        });
        page.on('pageerror', (error) => this.complaints.push(`exception: ${error.stack ?? error}`));
    }

    open(url) {
        return this.page.goto(url, { waitUntil: 'load' });
    }

    evaluate(script, argument) {
        return this.page.evaluate(script, argument);
    }

    click(selector) {
        return this.page.click(selector);
    }

    screenshot(path) {
        return this.page.screenshot({ path });
    }
}

export class Chromium {
    /** moreArgs: of its command line. */
    static async launch(moreArgs = []) {
        const browser = new Chromium();
        browser.driver = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_ARGS, ...moreArgs] });
        return browser;
    }

    /** A tab of its own profile. options: of playwright's newContext. */
    async tab(name, options = {}) {
        const context = await this.driver.newContext({
            viewport: { width: 1280, height: 800 },
            permissions: ['camera', 'microphone'],
            ...options,
        });
        const page = await context.newPage();
        return new Tab(name, page, () => context.close());
    }

    close() {
        return this.driver.close();
    }
}

export class Firefox {
    static async launch() {
        const browser = new Firefox();
        browser.driver = await puppeteer.launch({
            browser: 'firefox',
            executablePath: FIREFOX,
            headless: true,
            extraPrefsFirefox: FIREFOX_PREFS,
        });
        return browser;
    }

    async tab(name) {
        const page = await this.driver.newPage();
        await page.setViewport({ width: 1280, height: 800 });
        return new Tab(name, page, () => page.close());
    }

    close() {
        return this.driver.close();
    }
}

// --- what runs inside the page

/** Facts about the mix as the page plays it: tracks, size, and counters of getStats(). */
export function mixFacts() {
    const video = document.querySelector('#mix');
    const stream = video?.srcObject;
    const facts = {
        phase: window.tessera?.state?.phase,
        connection: window.tessera?.state?.connection,
        audioTracks: stream?.getAudioTracks().length ?? 0,
        videoTracks: stream?.getVideoTracks().length ?? 0,
        width: video?.videoWidth ?? 0,
        height: video?.videoHeight ?? 0,
        paused: video?.paused ?? true,
        self: window.tessera?.state?.self,
        tiles: window.tessera?.state?.layout?.tiles ?? [],
        people: [...(window.tessera?.state?.people?.values() ?? [])],
        framesDecoded: 0,
        fps: 0,
        audioSamples: 0,
        audioConcealed: 0,
        audioEnergy: 0,
        at: performance.now(),
    };
    const { pc } = window.tessera ?? {};
    if (!pc) return facts;
    return pc.getStats().then((report) => {
        for (const entry of report.values()) {
            if (entry.type !== 'inbound-rtp') continue;
            if (entry.kind === 'video') {
                facts.framesDecoded = entry.framesDecoded ?? 0;
                facts.fps = entry.framesPerSecond ?? 0;
            }
            if (entry.kind === 'audio') {
                facts.audioConcealed = entry.concealedSamples ?? 0;
                facts.audioSamples = entry.totalSamplesReceived ?? 0;
                facts.audioEnergy = entry.totalAudioEnergy ?? 0;
            }
        }
        return facts;
    });
}

/** Loudness (RMS) of the left and right channel of the mix as it arrives, over some 100 ms. */
export async function channelLevels() {
    const context = new AudioContext();
    await context.resume();
    const source = context.createMediaStreamSource(new MediaStream(window.tessera.pc.getReceivers().map(({ track }) => track).filter(({ kind }) => kind === 'audio')));
    const splitter = context.createChannelSplitter(2);
    const analysers = [0, 1].map((channel) => {
        const analyser = new AnalyserNode(context, { fftSize: 8192 });
        splitter.connect(analyser, channel);
        return analyser;
    });
    source.connect(splitter);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const levels = analysers.map((analyser) => {
        const samples = new Float32Array(analyser.fftSize);
        analyser.getFloatTimeDomainData(samples);
        return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    });
    await context.close();
    return levels;
}

/** The pixels of each tile in the picture that is shown now: id -> RGB at 5 x 5 places. */
export function tilePixels() {
    const video = document.querySelector('#mix');
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(video, 0, 0);
    const places = [0.2, 0.35, 0.5, 0.65, 0.8];
    const result = {};
    for (const { id, x, y, width, height } of window.tessera.state.layout.tiles) {
        result[id] = places.flatMap((v) =>
            places.map((u) => [...context.getImageData(x + width * u, y + height * v, 1, 1).data.slice(0, 3)]),
        );
    }
    return result;
}
