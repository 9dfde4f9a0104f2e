{
  description = "Tandem: a calling relay, and all that its tests and experiments run against";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ];
      forEachSystem = build: nixpkgs.lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});
    in
    {
      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          packages = [
            (pkgs.nodejs_26 or pkgs.nodejs_latest)

            # State that survives a crash.
            pkgs.postgresql
            pkgs.redis

            # Media: real encoders and players that judge what the relay delivers, and the tools that read recordings.
            pkgs.ffmpeg
            (pkgs.opus-tools or pkgs.opusTools)
            pkgs.gst_all_1.gstreamer
            pkgs.gst_all_1.gst-plugins-base
            pkgs.gst_all_1.gst-plugins-good
            pkgs.gst_all_1.gst-plugins-bad

            # Another relay, to compare with.
            pkgs.coturn
          ];
        };
      });
    };
}
