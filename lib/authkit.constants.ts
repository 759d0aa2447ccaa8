// The ESM and the CommonJS copy of the package agree on these symbols.

/** Injection token of the validated options with their defaults. @internal */
export const AUTHKIT_OPTIONS = Symbol.for(
  'nestjs-pica-authkit:AUTHKIT_OPTIONS',
);

/** Injection token of the function that extracts the caller's identity. @internal */
export const AUTHKIT_IDENTITY_EXTRACTOR = Symbol.for(
  'nestjs-pica-authkit:AUTHKIT_IDENTITY_EXTRACTOR',
);

/** Injection token of the controller classes of one registration, or `undefined`. @internal */
export const AUTHKIT_CONTROLLERS = Symbol.for(
  'nestjs-pica-authkit:AUTHKIT_CONTROLLERS',
);

/** Injection token of the default audience of a registration's grants. @internal */
export const AUTHKIT_GRANT_AUDIENCE = Symbol.for(
  'nestjs-pica-authkit:AUTHKIT_GRANT_AUDIENCE',
);

/** Injection token of the signer and verifier of grants, or `undefined` without a `grant` option. @internal */
export const AUTHKIT_GRANT_JWT = Symbol.for(
  'nestjs-pica-authkit:AUTHKIT_GRANT_JWT',
);

/** The context of the module's log lines. @internal */
export const AUTHKIT_LOG_CONTEXT = 'AuthKit';
