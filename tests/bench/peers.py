"""The same work by others: ffmpeg's filter graph and a GStreamer pipeline, one thread each, the
same encoder settings as codecs/vpx_encoder.c and codecs/opus.c."""

WIDTH, HEIGHT, FPS = 1280, 720, 30
VIDEO_BPS, AUDIO_BPS = 1200000, 64000


def tiles(count):
    """(x, y, width, height) of an edge to edge grid; even sizes that fill the canvas."""
    side = {1: 1, 4: 2, 9: 3, 16: 4}[count]
    def edges(size):
        cuts = [round(size * i / side / 2) * 2 for i in range(side + 1)]
        return [(a, b - a) for a, b in zip(cuts, cuts[1:])]
    return [(x, y, w, h) for y, h in edges(HEIGHT) for x, w in edges(WIDTH)]


def ffmpeg(clips, count, scaler):
    """scaler: swscale's flags, "bicubic" is ffmpeg's default."""
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error",
               "-filter_threads", "1", "-filter_complex_threads", "1"]
    for kind in ("video", "speech"):
        for i in range(count):
            command += ["-threads", "1", "-i", clips[kind][i]]
    chains, places = [], tiles(count)
    for i, (_, _, w, h) in enumerate(places):
        scale = f"scale={w}:{h}:flags={scaler}" if (w, h) != (640, 360) else "null"
        chains.append(f"[{i}:v]{scale}[v{i}]")
    inputs = "".join(f"[v{i}]" for i in range(count))
    layout = "|".join(f"{x}_{y}" for x, y, _, _ in places)
    chains.append(f"{inputs}xstack=inputs={count}:layout={layout}[v]")
    sounds = "".join(f"[{count + i}:a]" for i in range(count))
    chains.append(f"{sounds}amix=inputs={count}:normalize=0[a]")
    bits = str(VIDEO_BPS)
    return command + [
        "-filter_complex", ";".join(chains), "-map", "[v]", "-map", "[a]", "-r", str(FPS),
        "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-12", "-threads", "1",
        "-b:v", bits, "-minrate", bits, "-maxrate", bits, "-bufsize", bits,
        "-rc_init_occupancy", str(VIDEO_BPS // 2), "-undershoot-pct", "100", "-overshoot-pct", "15",
        "-qmin", "2", "-qmax", "63", "-g", "99999", "-lag-in-frames", "0", "-auto-alt-ref", "0",
        "-static-thresh", "1", "-max-intra-rate", "400", "-noise-sensitivity", "0",
        "-c:a", "libopus", "-b:a", str(AUDIO_BPS), "-ar", "48000", "-ac", "2",
        "-application", "lowdelay", "-compression_level", "5", "-vbr", "constrained",
        "-frame_duration", "20", "-f", "null", "-"]


def gstreamer(clips, count):
    words = ["gst-launch-1.0", "-q", "compositor", "name=comp", "background=black", "max-threads=1"]
    for i, (x, y, w, h) in enumerate(tiles(count)):
        words += [f"sink_{i}::xpos={x}", f"sink_{i}::ypos={y}",
                  f"sink_{i}::width={w}", f"sink_{i}::height={h}"]
    words += ["!", f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1",
              "!", "vp8enc", "deadline=1", "cpu-used=-12", "threads=1", "end-usage=cbr",
              f"target-bitrate={VIDEO_BPS}", "buffer-size=1000", "buffer-initial-size=500",
              "buffer-optimal-size=600", "undershoot=100", "overshoot=15", "min-quantizer=2",
              "max-quantizer=63", "keyframe-max-dist=99999", "lag-in-frames=0",
              "static-threshold=1", "max-intra-bitrate=400", "noise-sensitivity=0",
              "!", "fakesink", "sync=false",
              "audiomixer", "name=mix",
              "!", "audio/x-raw,rate=48000,channels=2", "!", "audioconvert",
              "!", "opusenc", f"bitrate={AUDIO_BPS}", "complexity=5", "frame-size=20",
              "audio-type=restricted-lowdelay", "bitrate-type=constrained-vbr",
              "!", "fakesink", "sync=false"]
    for i in range(count):
        words += ["filesrc", f"location={clips['video'][i]}", "!", "ivfparse",
                  "!", "vp8dec", "threads=1", "!", f"comp.sink_{i}"]
        words += ["filesrc", f"location={clips['speech'][i]}", "!", "oggdemux", "!", "opusparse",
                  "!", "opusdec", "!", "audioconvert", "!", "audio/x-raw,rate=48000,channels=2",
                  "!", "mix."]
    return words
