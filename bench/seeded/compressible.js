/** JSON as programs write it, of about so many bytes: the same names over and over, and values that differ. */
export function compressibleJson(bytes) {
  const rows = []
  for (let size = 2, i = 0; ; i++) {
    const row = {
      orderId: String(100_000 + i),
      customerName: `Customer ${i % 97}`,
      status: i % 3 === 0 ? 'pending' : 'shipped',
      amount: (i * 37) % 1000,
    }
    size += JSON.stringify(row).length + 1
    if (size > bytes) return rows
    rows.push(row)
  }
}
