"""`trainers evaluate`: a plan of pictures, their drawing, their scores, and the tables of them."""
