/** In the place of the package markdown-to-jsx: the texts of a workflow are plain. */

export function Markdown({ children }) {
  return <span>{children}</span>;
}
