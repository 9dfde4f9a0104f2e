/** A column of rows of one kind. Numbers stand to the right. */
export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string | number
}

/** Rows below their titles, as wide as they have to be. */
export const format = <Row>(columns: ReadonlyArray<Column<Row>>, rows: ReadonlyArray<Row>): string => {
  const filled = columns.map(({ cell, title }) => {
    const cells = rows.map(cell)
    const isNumber = cells.some((value) => typeof value === "number")
    const texts = [title, ...cells.map(String)]
    const width = Math.max(...texts.map(({ length }) => length))
    return texts.map((text) => (isNumber ? text.padStart(width) : text.padEnd(width)))
  })
  const lines = Array.from({ length: rows.length + 1 }, (_, line) => filled.map((column) => column[line]).join("  "))
  return lines.map((line) => line.trimEnd()).join("\n")
}
