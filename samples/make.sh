#!/bin/sh
# Makes the sample files beside this script. Debian packages: espeak-ng ffmpeg opus-tools
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Speech: exactly 10 s, mono, Opus frames of 20 ms.
espeak-ng -v en-gb -s 150 -w "$work/spoken.wav" \
  "Hello! This is a short test of the line. If you can hear every word of this, then nothing was lost on the way.
   Thank you, and goodbye."
ffmpeg -v error -y -i "$work/spoken.wav" -af apad -t 10 -ar 48000 -ac 1 -bitexact "$work/speech.wav"
opusenc --quiet --speech --bitrate 28 --vbr --framesize 20 --serial 1 --discard-comments --padding 0 \
  --comment "TITLE=Ten seconds of speech" "$work/speech.wav" speech.opus

# Video: 10 s of moving test picture, VP8, a key frame every 30 frames and nowhere else, no invisible frames. The same pictures
# in three sizes.
encode() {
  ffmpeg -v error -y -f lavfi -i testsrc2=size=640x360:rate=30:duration=10 $1 -c:v libvpx -b:v $2 -minrate $2 -maxrate $2 \
    -bufsize $2 -g 30 -keyint_min 30 -auto-alt-ref 0 -lag-in-frames 0 -deadline good -cpu-used 2 -threads 1 \
    -flags +bitexact -fflags +bitexact $3
}
encode "" 500k video.ivf
encode "-vf scale=320:180" 140k video-180.ivf
encode "-vf scale=160:90" 45k video-90.ivf
