import { Option, Redacted } from "effect"

/** As it may be shown: where it leads, without user, password and parameters. */
export const withoutSecrets = (url: Redacted.Redacted): string =>
  Option.match(Option.liftThrowable((text: string) => new URL(text))(Redacted.value(url)), {
    onNone: () => "whose URL cannot be read",
    onSome: ({ host, pathname, protocol }) => `${protocol}//${host}${pathname}`
  })
