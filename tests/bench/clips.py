"""The clips that everyone plays: made once, kept in build/bench."""

import os
import subprocess

COUNT = 16
SECONDS, SHORT = 20, 1
FPS = 30
VOICES = ["slt", "kal16", "rms", "awb"]
SENTENCES = [
    "Before we look at the numbers of the quarter I want to thank everybody who stayed late",
    "the second picture shows the same street from the other side and you can see the bridge",
    "if nobody has another question about the first part we could go on with the plan for spring",
    "yesterday the train was late again so I read the whole report and it is better than I thought",
    "there are three ways to do this and each of them costs about the same but not for us",
    "the garden behind the house is full of birds in the morning and quiet for the rest of the day",
    "we measured it five times with five people and every time the second one was a little faster",
    "please send me the list of names before noon so that I can print it and put it on the table",
]


def _encode(directory, name, arguments, source=None):
    path = os.path.join(directory, name)
    if os.path.exists(path):
        return path
    part = path + ".part"
    ending = {".ivf": "ivf", ".ogg": "ogg"}[os.path.splitext(name)[1]]
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y"] + arguments
    subprocess.run(command + ["-f", ending, part], stdin=source or subprocess.DEVNULL, check=True)
    os.rename(part, path)
    return path


def video(program, directory, number, seconds, size=(640, 360), rate="500k"):
    """640x360 at 30 frames/s, VP8 at 500 kbit/s, one key frame: what a browser sends."""
    shape = "" if size == (640, 360) else f"-{size[0]}x{size[1]}"
    name = f"p{number}{shape}-{seconds}s.ivf"
    if os.path.exists(os.path.join(directory, name)):
        return os.path.join(directory, name)
    camera = subprocess.Popen([program, str(number), str(seconds * FPS), str(size[0]), str(size[1])],
                              stdout=subprocess.PIPE)
    path = _encode(directory, name,
                   ["-i", "-", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-6",
                    "-b:v", rate, "-threads", "1", "-g", "9999", "-lag-in-frames", "0",
                    "-auto-alt-ref", "0"], camera.stdout)
    camera.wait()
    return path


def _opus(rate, seconds):
    return ["-t", str(seconds), "-ar", "48000", "-ac", "1", "-c:a", "libopus", "-b:a", rate,
            "-application", "voip", "-frame_duration", "20"]


def speech(directory, number, seconds):
    """Somebody who talks without a pause: mono Opus at 32 kbit/s, 20 ms."""
    step = 1 + 2 * (number // len(SENTENCES))
    order = [SENTENCES[(number + i * step) % len(SENTENCES)] for i in range(6)]
    text = " and ".join(order)
    voice = VOICES[number % len(VOICES)]
    return _encode(directory, f"p{number}-{seconds}s.ogg",
                   ["-f", "lavfi", "-i", f"flite=voice={voice}:text='{text}'"] + _opus("32k", seconds))


def quiet(directory):
    """A microphone behind noise suppression: noise at -75 dBFS."""
    return _encode(directory, "quiet.ogg",
                   ["-f", "lavfi", "-i", f"anoisesrc=amplitude=0.0003:color=white:seed=1:d={SECONDS}"]
                   + _opus("32k", SECONDS))


def make(program, directory, seconds=SECONDS):
    os.makedirs(directory, exist_ok=True)
    pictures = [video(program, directory, i + 1, seconds) for i in range(COUNT)]
    voices = [speech(directory, i + 1, seconds) for i in range(COUNT)]
    return {"seconds": seconds, "video": pictures, "speech": voices, "quiet": quiet(directory)}
