"""What is secret in a request, and what the request is without it. No I/O.

| module | knows |
| --- | --- |
| `names` | which names of headers, fields and variables are secret |
| `values` | which values are, whatever their name: keys, tokens, card numbers |
| `cleaning` | what becomes of one value and of a text: URLs, forms, JSON and GraphQL inside it |
| `json_body`, `graphql`, `xml_body`, `multipart` | where the values of such a text stand |
"""
