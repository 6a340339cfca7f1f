# docker build -t openclaw:latest .                 the gateway, and the tools that agents work with
# docker build --target slim -t openclaw:slim .     the gateway alone
# Each stage is one script, so that it can be tried without an engine: scripts/prove-image.sh does that in a debootstrapped root.
FROM debian:12 AS build
COPY . /src
RUN /src/scripts/image/build /out

FROM debian:12-slim AS slim
COPY --from=build /out/openclaw.deb /tmp/openclaw.deb
COPY scripts/image/slim /tmp/slim
RUN /tmp/slim /tmp/openclaw.deb && rm /tmp/openclaw.deb /tmp/slim
ENV OPENCLAW_STATE_DIR=/data HOME=/data
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 18789
ENTRYPOINT ["openclaw"]
CMD ["gateway", "--allow-unconfigured", "--bind", "lan"]

FROM slim AS openclaw
USER 0:0
COPY scripts/image/tools scripts/image-commands.txt /tmp/
RUN /tmp/tools /tmp/image-commands.txt && rm /tmp/tools /tmp/image-commands.txt
USER 1000:1000
