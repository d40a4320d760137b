# The image of the server. In it nothing can be written but /data, and it runs as a user that is nobody else.
#   docker build -t autodocops .
#   docker run --rm --init --stop-timeout 30 -p 127.0.0.1:8080:8080 -e NODE_ENV=development autodocops

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY core core
COPY plugins plugins
RUN npm run build

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The link is for plugins from outside, in /app/my-plugins: they import 'autodocops'.
RUN npm ci --omit=dev --ignore-scripts && ln -s .. node_modules/autodocops

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="AutoDocOps" \
      org.opencontainers.image.description="A plugin-based API server for self-hosters" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist/core dist/core
COPY --from=build /app/dist/plugins dist/plugins
COPY package.json LICENSE ./
COPY plugins/index.json plugins/index.json
COPY config config
RUN mkdir -m 700 /data && chown 10001:10001 /data
# The operations listener stays on the container's own loopback until it has a token.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/core/cli/main.js"]
CMD ["start"]
