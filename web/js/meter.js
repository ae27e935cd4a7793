// How loud the microphone is, drawn as a bar.

const FLOOR_DB = -60;

export class LevelMeter {
    #bar;
    #context = null;
    #frame = 0;

    /** bar: the element whose width shows the level. */
    constructor(bar) {
        this.#bar = bar;
    }

    start(track) {
        this.stop();
        if (!track || !window.AudioContext) return;
        this.#context = new AudioContext();
        const analyser = this.#context.createAnalyser();
        analyser.fftSize = 1024;
        this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        const samples = new Float32Array(analyser.fftSize);
        // A page that nobody touched yet may not run audio: the first touch starts it.
        const resume = () => this.#context?.resume();
        addEventListener('pointerdown', resume, { once: true });
        addEventListener('keydown', resume, { once: true });
        let shown = 0;
        const draw = () => {
            analyser.getFloatTimeDomainData(samples);
            let sum = 0;
            for (const sample of samples) sum += sample * sample;
            const db = 10 * Math.log10(sum / samples.length + 1e-9);
            const level = Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
            shown = Math.max(level, shown * 0.92);
            this.#bar.style.transform = `scaleX(${shown.toFixed(3)})`;
            this.#frame = requestAnimationFrame(draw);
        };
        draw();
    }

    stop() {
        cancelAnimationFrame(this.#frame);
        this.#context?.close();
        this.#context = null;
        this.#bar.style.transform = '';
    }
}
